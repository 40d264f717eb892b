/** Owns: fairness beside a hog that never lets go: it is aborted and restarted each time. */
import { fairness } from "./fairness.ts";

export default fairness("holding", Number.MAX_SAFE_INTEGER);
