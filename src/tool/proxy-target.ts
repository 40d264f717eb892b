/**
 * Owns: what a request to a proxy asks for, and which of its headers go on. Pure.
 */

/** Where a request is to go. */
export interface Target {
  /** In lower case; an address without brackets. */
  readonly host: string;
  readonly port: number;
  /** Of a plain request: as its `Host` names it, and what is asked there. */
  readonly authority: string;
  readonly path: string;
}

const CONNECT = /^(?:\[([0-9a-f:.]{2,45})\]|([a-z0-9._-]{1,253})):(\d{1,5})$/;

/** @param url of the request's line @returns null: it asks a proxy for nothing it can do */
export function parseTarget(url: string | undefined, tunnel: boolean): Target | null {
  if (url === undefined) return null;
  if (!tunnel) return plainTarget(url);
  const found = CONNECT.exec(url.toLowerCase());
  if (found === null) return null;
  const [authority, address, name = ""] = found;
  const port = Number(found[3]);
  if (port < 1 || port > 65_535) return null;
  return { host: address ?? name, port, authority, path: "" };
}

function plainTarget(text: string): Target | null {
  if (!/^http:\/\//i.test(text) || !URL.canParse(text)) return null;
  const url = new URL(text);
  // As it is written: an address in disguise, or a name before an `@`, is for nobody to read in two ways.
  const written = text
    .toLowerCase()
    .slice("http://".length)
    .replace(/(:\d+)?([/?#].*)?$/s, "");
  if (written !== url.hostname) return null;
  const host = url.hostname.replace(/^\[|\]$/g, "");
  if (!/^[a-z0-9.:_-]{1,253}$/.test(host)) return null;
  const port = url.port === "" ? 80 : Number(url.port);
  return { host, port, authority: url.host, path: `${url.pathname}${url.search}` };
}

/** Of one connection, not of the request. `Transfer-Encoding` stays: its writer frames the body anew. */
const OF_THE_HOP = new Set([
  ...["connection", "proxy-connection", "keep-alive", "proxy-authorization", "proxy-authenticate"],
  ...["te", "trailer", "upgrade", "expect"],
]);

/** @param headers name, value, name … @param host what `Host` is to be, in a request */
export function endToEnd(headers: readonly string[], host?: string): string[] {
  const gone = new Set(OF_THE_HOP);
  if (host !== undefined) gone.add("host");
  const pairs: [string, string][] = [];
  for (let at = 0; at + 1 < headers.length; at += 2) {
    pairs.push([headers[at] as string, headers[at + 1] as string]);
  }
  for (const [name, value] of pairs) {
    if (name.toLowerCase() !== "connection") continue;
    for (const each of value.split(",")) gone.add(each.trim().toLowerCase());
  }
  const kept = pairs.filter(([name]) => !gone.has(name.toLowerCase())).flat();
  return host === undefined ? kept : ["Host", host, ...kept];
}
