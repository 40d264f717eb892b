/** Owns: the message of about 100 bytes (as JSON) that some programs send. */
import { z } from "zod";

export const payload = z.object({
  left: z.number(),
  from: z.string(),
  kind: z.string(),
  price: z.number(),
  size: z.number(),
  at: z.number(),
});
export type Payload = z.infer<typeof payload>;

export function payloadOf(left: number): Payload {
  const price = 101.25 + (left % 64);
  return {
    left,
    from: "desk-7/trader-3",
    kind: "order",
    price,
    size: 500,
    at: 1_700_000_000 + left,
  };
}
