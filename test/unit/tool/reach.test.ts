// Who may reach what: grants by name, port and literal address; where names may lead.

import fc from "fast-check";
import { expect, test } from "vitest";
import { isPublic, NotPublic, publicLookup, Reach } from "../../../src/tool/reach.ts";

test("a name, its ports, the names below a star, an address written out", () => {
  const reach = new Reach([
    "a.example",
    "b.example:8080",
    "*.c.example:443",
    "10.0.0.1:80",
    "[::1]:80",
  ]);
  const open = [
    ["a.example", 80],
    ["a.example", 443],
    ["b.example", 8080],
    ["x.c.example", 443],
    ["x.y.c.example", 443],
    ["10.0.0.1", 80],
    ["::1", 80],
  ] as const;
  for (const [host, port] of open) expect(reach.refusal(host, port)).toBeNull();
  const closed = [
    ...[
      "x.a.example",
      "example",
      "c.example",
      "xc.example",
      "a.example.",
      "a.example.evil.example",
    ],
    ...["10.0.0.2", "169.254.169.254", "::ffff:10.0.0.1", "167772161", "", "127.0.0.1"],
  ];
  for (const host of closed) {
    for (const port of [80, 443]) expect(reach.refusal(host, port)).toBe("it is not granted");
  }
  expect(reach.refusal("a.example", 22)).toBe("port 22 of it is not granted");
  expect(reach.refusal("b.example", 443)).toMatch(/port 443/);
});

test("an address of the public network, and nothing else", () => {
  for (const each of ["1.1.1.1", "172.15.0.1", "172.32.0.1", "100.128.0.1", "2606:4700::1111"]) {
    expect(isPublic(each), each).toBe(true);
  }
  const special = [
    ...["0.0.0.0", "10.1.2.3", "100.64.0.1", "100.127.255.255", "127.0.0.1", "127.255.0.1"],
    ...[
      "169.254.169.254",
      "172.16.0.1",
      "172.31.255.255",
      "192.0.0.192",
      "192.168.0.1",
      "198.18.0.1",
    ],
    ...[
      "224.0.0.1",
      "239.1.1.1",
      "240.0.0.1",
      "255.255.255.255",
      "::",
      "::1",
      "fe80::1",
      "fc00::1",
    ],
    ...["fd00:ec2::254", "ff02::1", "::ffff:127.0.0.1", "::ffff:1.1.1.1", "::127.0.0.1"],
    ...["64:ff9b::7f00:1", "2002:7f00:1::", "2001::1", "2001:db8::1", "fec0::1", "", "x", "1.1.1"],
  ];
  for (const each of special) expect(isPublic(each), each).toBe(false);
});

test("no address of a private network passes, however it is chosen", () => {
  const part = fc.integer({ min: 0, max: 255 });
  const nets = fc.constantFrom("10.", "127.", "192.168.", "169.254.", "::ffff:10.", "::ffff:127.");
  fc.assert(
    fc.property(nets, fc.tuple(part, part, part), (net, parts) => {
      const count = 4 - (net.match(/\d+\./g) ?? []).length;
      expect(isPublic(net + parts.slice(0, count).join("."))).toBe(false);
    }),
  );
});

const found = (addresses: readonly string[], all: boolean) =>
  new Promise((resolve, reject) => {
    const told = addresses.map((address) => ({ address, family: address.includes(":") ? 6 : 4 }));
    publicLookup(async () => told)("name.example", { all }, (error, ...answer) =>
      error ? reject(error) : resolve(answer),
    );
  });

test("of a name's addresses the public ones are left; without one it is refused", async () => {
  expect(await found(["10.0.0.1", "1.1.1.1"], false)).toEqual(["1.1.1.1", 4]);
  expect(await found(["::1", "2606:4700::1", "127.0.0.1"], true)).toEqual([
    [{ address: "2606:4700::1", family: 6 }],
  ]);
  await expect(found(["127.0.0.1", "::1"], true)).rejects.toBeInstanceOf(NotPublic);
  await expect(found([], false)).rejects.toBeInstanceOf(NotPublic);
});
