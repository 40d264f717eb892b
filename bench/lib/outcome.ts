/**
 * Owns: what one run of a program answers. Does not own: medians over runs (measure.ts).
 */
import { z } from "zod";

/**
 * Numbers by name. `n` operations took `seconds`, both counted inside of the actors; what else a
 * program measures has its unit in its name: `p99Us`, `bytesIdle`.
 */
export const outcome = z.object({ n: z.number(), seconds: z.number() }).catchall(z.number());
export type Outcome = z.infer<typeof outcome>;
