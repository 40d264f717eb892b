/**
 * Owns: the hosts a sandbox may reach, as they are written in a spec. Pure.
 * Does not own: resolving and reaching them (tool/outlet.ts).
 */

/** One entry of a list of hosts. */
export interface HostGrant {
  /** In lower case; of `*.example.org` what follows the star and its dot; an address without brackets. */
  readonly name: string;
  /** Names below `name`, at any depth, and not `name` itself. */
  readonly below: boolean;
  /** Is it an address, written out? Then it may also be one of a private network. */
  readonly literal: boolean;
  readonly ports: readonly number[];
}

/** Ports of a grant that names none: those of HTTP and HTTPS. */
const WEB_PORTS = [80, 443];

const GRANT = /^(?:\[([0-9a-f:.]{2,45})\]|(\*\.)?([a-z0-9_-]+(?:\.[a-z0-9_-]+)*))(?::(\d{1,5}))?$/;
const IPV4 = /^(?:\d{1,3}\.){3}\d{1,3}$/;

/** @returns null: it is no host */
export function hostGrant(text: string): HostGrant | null {
  const found = text.length <= 261 ? GRANT.exec(text.toLowerCase()) : null;
  if (found === null) return null;
  const [, address, star, host = "", port] = found;
  const name = address ?? host;
  const literal = address !== undefined || IPV4.test(host);
  const number = Number(port);
  if (port !== undefined && (number < 1 || number > 65_535)) return null;
  if (literal && (star !== undefined || !isAddress(name))) return null;
  // Numbers alone are an address in disguise: resolvers read `127.1` and `2130706433` as one.
  if (!literal && /(^|\.)(0x[0-9a-f]*|\d+)$/.test(host)) return null;
  const ports = port === undefined ? WEB_PORTS : [number];
  return { name, below: star !== undefined, literal, ports };
}

/** One way to write an address: what has several would not be found again. */
function isAddress(name: string): boolean {
  try {
    const url = new URL(`http://${name.includes(":") ? `[${name}]` : name}/`);
    return url.hostname.replace(/^\[|\]$/g, "") === name;
  } catch {
    return false;
  }
}
