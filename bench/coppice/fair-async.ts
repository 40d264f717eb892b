/** Owns: fairness beside a metered hog that spins in an async handler: it yields. */
import { fairness } from "./fairness.ts";

export default fairness("yielding", 200);
