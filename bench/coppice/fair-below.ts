/** Owns: fairness beside a hog that holds the thread for a little less than it may. */
import { SLICE_MS } from "../lib/sizes.ts";
import { fairness } from "./fairness.ts";

export default fairness("holding", 0.9 * SLICE_MS);
