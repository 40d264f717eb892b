/**
 * Owns report.json: the whole result as data, `{ packages, run }`. All but `run` is the same for the
 * same input.
 */
import { packageAuditSchema, type Report, runSchema } from "./model.ts";
import { compareByRisk } from "./risk.ts";

/** Two spaces of indentation, keys in the order of the schemas, a line break at the end. */
export function renderJson({ project, packages, run }: Report): string {
  const data = {
    packages: packages.map((each) => packageAuditSchema.parse(each)).sort(compareByRisk),
    // Here, because a project is called by the path it was given as.
    run: { project, ...runSchema.parse(run) },
  };
  return `${JSON.stringify(data, null, 2).replace(hidden, escapeUnits)}\n`;
}

// JSON escapes the first 32 control characters only; a terminal obeys more of them.
const hidden = /[\u007f-\u009f]|\p{Cf}|\p{Zl}|\p{Zp}/gu;

function escapeUnits(text: string): string {
  let escaped = "";
  for (let at = 0; at < text.length; at += 1) {
    escaped += `\\u${text.charCodeAt(at).toString(16).padStart(4, "0")}`;
  }
  return escaped;
}
