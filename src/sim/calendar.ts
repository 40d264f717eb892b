/**
 * Owns: wall time in simulations, which begins in 2026 whatever the machine's clock says.
 */
import { calendarOf } from "../store/calendar.ts";

export const CALENDAR = calendarOf((nowMs) => 1_767_225_600_000 + nowMs);
