/**
 * Owns: the line between the desk of a node and the thread of its store, where books lie that nodes
 * share. Does not own: the desk (tool/desk.ts), the books (store/redis-books.ts).
 */
import type { MessagePort } from "node:worker_threads";
import type { CommonBooks } from "../actor/books.ts";
import type { BooksAsked } from "../store/redis-books.ts";

/** The desk's end. */
export function booksLine(port: MessagePort): CommonBooks {
  const open = new Map<number, (answer: never) => void>();
  let last = 0;
  port.on("message", ({ id, answer }: { id: number; answer: never }) => {
    const done = open.get(id);
    open.delete(id);
    done?.(answer);
  });
  return {
    ask(request, done) {
      open.set(++last, done);
      port.postMessage({ id: last, request } as BooksAsked);
    },
  };
}
