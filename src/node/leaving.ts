/**
 * Owns: the end of a process in which a node still runs (process.exit, an error nobody caught): its
 * control thread lets go of the inspector first. Else Node.js says that it waits for a debugger, and
 * nobody has one.
 * Does not own: the inspector (watcher.ts), a node's own end (node.ts).
 */
import type { ToThread } from "./messages.ts";

/** Longest wait for that. @unit ms */
const LEAVE_MS = 200;

type Post = (message: ToThread) => void;

const controls = new Set<Post>();

function leave(): void {
  for (const post of controls) {
    const gone = new Int32Array(new SharedArrayBuffer(4));
    post({ kind: "leave", gone });
    Atomics.wait(gone, 0, 0, LEAVE_MS);
  }
  // What the inspector has to do on this thread it does where a function begins.
  for (const post of controls) forget(post);
}

function forget(post: Post): void {
  controls.delete(post);
  if (controls.size === 0) process.off("exit", leave);
}

/** @param post a line to the control thread @returns what takes it back: it has ended */
export function letGoAtExit(post: Post): () => void {
  if (controls.size === 0) process.on("exit", leave);
  controls.add(post);
  return () => forget(post);
}
