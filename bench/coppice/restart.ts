/** Owns: restarts after a thrown Error, as most crashes are. */
import { restarts } from "./restarts.ts";

export default restarts((left) => {
  throw new Error(`crash with ${left} to go`);
});
