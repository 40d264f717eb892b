// A process of its own on a SQLite store, for test/node/sqlite.test.ts, which kills it.
//
//   sqlite-child.ts own <folder>     owns the folder and says "open <epoch>"; ends when told "end"
//   sqlite-child.ts write <folder>   counts in chains for ever, says "<chain> <n>" for each commit
//                                    that was acknowledged
//   sqlite-child.ts fill <folder>    writes until the store refuses, then says how, as JSON

import { writeSync } from "node:fs";
import { packOps, unpackAnswers } from "../../src/store/batch.ts";
import { decode, encode } from "../../src/store/codec.ts";
import { openSqlite } from "../../src/store/sqlite.ts";
import { startSqliteWriter } from "../../src/store/sqlite-client.ts";
import type { ClientReply } from "../../src/store/sqlite-writer.ts";
import type { StoreAnswer, StoreOp } from "../../src/store/store.ts";
import { commit, load, mail } from "../tck/store-ops.ts";

/** Past all buffers of this process: what is said is said, also when it is killed now. */
function say(line: string): void {
  for (let rest = Buffer.from(`${line}\n`); rest.length > 0; ) {
    try {
      rest = rest.subarray(writeSync(1, rest));
    } catch (thrown) {
      // The reader is behind, and the pipe does not wait.
      if ((thrown as { code?: string }).code !== "EAGAIN") throw thrown;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1);
    }
  }
}

/** Independent chains, so that there is always more than one commit under way. */
const CHAINS = 6;

/** Grows and shrinks over several pages, and says which number it belongs to. */
const filler = (n: number) => String.fromCharCode(97 + (n % 26)).repeat((n * 977) % 12_000);

function own(folder: string): void {
  try {
    const engine = openSqlite(folder, { durability: "flushed" });
    say(`open ${engine.epoch}`);
    process.stdin.on("data", () => {
      engine.close();
      process.exit(0);
    });
  } catch (thrown) {
    say(JSON.stringify(thrown));
  }
}

/**
 * Chain k: actor /w/k has the state { n } and one waiting letter to itself, n + 1. Each commit acks
 * that letter, sets the state, sends the next letter and one to /w/log-k, who keeps them all.
 */
async function write(folder: string): Promise<void> {
  const { epoch, connect } = await startSqliteWriter(folder, { durability: "flushed" });
  await Promise.all(Array.from({ length: CHAINS }, (_, chain) => count(chain, epoch, connect)));
}

async function count(
  chain: number,
  life: number,
  connect: (id: number) => import("node:worker_threads").MessagePort,
) {
  const port = connect(chain);
  const run = (...ops: StoreOp[]) =>
    new Promise<readonly StoreAnswer[]>((resolve, reject) => {
      port.once("message", (reply: ClientReply) =>
        "answers" in reply
          ? resolve(unpackAnswers(reply.answers))
          : reject(new Error(reply.error.message)),
      );
      port.postMessage({ ops: packOps(ops) });
    });
  const [path, log] = [`/w/${chain}`, `/w/log-${chain}`];
  const [found] = await run(load(path, life), load(log, life));
  let stored = found?.kind === "loaded" ? found.stored : null;
  if (stored === null) {
    const state = encode({ n: 0, filler: filler(0) });
    const born = { created: { args: encode(null) }, state };
    await run(commit(log, life, born), commit(path, life, { ...born, mails: [mail(path, 1)] }));
    const [again] = await run(load(path, life));
    stored = again?.kind === "loaded" ? again.stored : null;
  }
  if (stored === null) throw new Error(`${path} is not there after its commit`);
  let { n } = decode(stored.state) as { n: number };
  let seq = stored.mail[0]?.seq as number;
  for (;;) {
    n++;
    const state = encode({ n, filler: filler(n) });
    const mails = [mail(path, n + 1), mail(log, n)];
    const [answer] = await run(commit(path, life, { acks: [seq], state, mails }));
    if (answer?.kind !== "committed" || answer.fenced) throw new Error(`${path} was fenced`);
    seq = answer.seqs[0] as number;
    say(`${chain} ${n}`);
  }
}

function fill(folder: string): void {
  // Past the limit of a file's size the system would end the process; now its write fails.
  process.on("SIGXFSZ", () => {});
  const engine = openSqlite(folder, { durability: "flushed" });
  const state = encode(new Uint8Array(100_000));
  for (let n = 0; ; n++) {
    try {
      engine.execute([commit(`/w/${n}`, 1, { created: { args: encode(n) }, state })]);
    } catch (thrown) {
      say(JSON.stringify({ stored: n, paths: engine.paths().length, error: thrown }));
      return engine.close();
    }
  }
}

const [, , mode, folder = ""] = process.argv;
if (mode === "own") own(folder);
else if (mode === "write") await write(folder);
else fill(folder);
