/**
 * Owns: may a sandbox reach this host? By the hosts it was granted, and by the addresses a name leads to.
 * Does not own: how hosts are written (actor/hosts.ts), connections (outlet.ts).
 */
import { lookup } from "node:dns/promises";
import { BlockList, isIP, isIPv6, type LookupFunction } from "node:net";
import { type HostGrant, hostGrant } from "../actor/hosts.ts";

/** Of IPv4 what is not one address of the public network (IANA's registry of special addresses). */
const SPECIAL_V4 = [
  ...["0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12"],
  ...["192.0.0.0/24", "192.0.2.0/24", "192.31.196.0/24", "192.52.193.0/24", "192.88.99.0/24"],
  ...["192.168.0.0/16", "192.175.48.0/24", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24"],
  ...["224.0.0.0/4", "240.0.0.0/4"],
];
/** Of IPv6 what is: all else is local, mapped, translated or of no use. */
const PUBLIC_V6 = ["2000::/3"];
/** But these: protocols, Teredo, documentation, 6to4, which carry other addresses or none. */
const SPECIAL_V6 = ["2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20", "2620:4f:8000::/48"];

function listOf(family: "ipv4" | "ipv6", nets: readonly string[]): BlockList {
  const list = new BlockList();
  for (const net of nets) {
    const [address = "", bits] = net.split("/");
    list.addSubnet(address, Number(bits), family);
  }
  return list;
}

const specialV4 = listOf("ipv4", SPECIAL_V4);
const publicV6 = listOf("ipv6", PUBLIC_V6);
const specialV6 = listOf("ipv6", SPECIAL_V6);

/** Is it an address of the public network, and of one host? */
export function isPublic(address: string): boolean {
  if (isIPv6(address)) {
    return publicV6.check(address, "ipv6") && !specialV6.check(address, "ipv6");
  }
  return isIP(address) === 4 && !specialV4.check(address, "ipv4");
}

/** The hosts one sandbox was granted. */
export class Reach {
  readonly #grants: readonly HostGrant[];

  constructor(hosts: readonly string[]) {
    this.#grants = hosts.flatMap((each) => hostGrant(each) ?? []);
  }

  /** @param host in lower case, an address without brackets @returns why not; null: it may */
  refusal(host: string, port: number): string | null {
    const named = this.#grants.filter(({ name, below, literal }) => {
      if (below) return host.endsWith(`.${name}`) && isIP(host) === 0;
      return host === name && literal === isIP(host) > 0;
    });
    if (named.length === 0) return "it is not granted";
    if (named.some(({ ports }) => ports.includes(port))) return null;
    return `port ${port} of it is not granted`;
  }
}

/** An answer that is no error of the network. */
export class NotPublic extends Error {
  override readonly name = "NotPublic";
}

/** Where names lead: the system's resolver, or a test's. */
export type Resolve = (name: string) => Promise<readonly { address: string; family: number }[]>;

export const systemResolve: Resolve = (name) => lookup(name, { all: true, order: "verbatim" });

/**
 * For `net.connect`: the addresses of a name, public ones alone. What was checked is what is connected
 * to, so that a name which leads elsewhere the next time gains nothing.
 */
export const publicLookup =
  (resolve: Resolve): LookupFunction =>
  (name, { all }, done) => {
    const found = (addresses: readonly { address: string; family: number }[]) => {
      const open = addresses.filter(({ address }) => isPublic(address));
      const [first] = open;
      if (first === undefined) {
        done(new NotPublic("it leads to no public address"), "", 0);
      } else if (all) done(null, open as { address: string; family: number }[]);
      else done(null, first.address, first.family);
    };
    resolve(name).then(found, (error: NodeJS.ErrnoException) => done(error, "", 0));
  };
