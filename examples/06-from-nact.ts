/**
 * 06 · From nact, one actor at a time. A shop runs on nact: a desk passes orders to a warehouse. The
 * warehouse moves first: its function stays as it is and becomes a behaviour, supervised, on a
 * thread of its own. The desk stays with nact: it only gets another reference.
 *
 *     node examples/06-from-nact.ts
 *
 * Output:
 *     7 bolts left at shop://warehouse
 *     5 bolts left at coppice://store/warehouse
 *     after a crash, 4 bolts left at coppice://store/warehouse
 *     the desk had 3 orders, and knows that 4 bolts were left
 */
import { app, child, memory, start, supervisor } from "coppice";
import { bridge, fromNact, nactRef, nactSystem } from "coppice/interop/nact";
import * as nact from "nact";

type Order = { take: number; sender: nact.Ref<string> };
type News = Order | { moved: nact.Ref<Order> } | { left: number } | { report: nact.Ref<Desk> };
type Desk = { warehouse: nact.Ref<Order>; orders: number; left: number };

const deskRef = nactSystem("shop")("desk"); // on the main thread, and reached from any

/** Written for nact, run by either: the answer goes to whoever asked the desk. */
function warehouse(bolts: number, { take, sender }: Order, ctx: { path: nact.ActorPath }) {
  if (take < 0) throw new Error("bolts do not come back");
  const left = bolts - take;
  nact.dispatch(deskRef, { left });
  nact.dispatch(sender, `${left} bolts left at ${ctx.path}`);
  return left;
}

function desk(state: Desk, news: News): Desk {
  if ("moved" in news) return { ...state, warehouse: news.moved };
  if ("left" in news) return { ...state, left: news.left };
  if ("report" in news) nact.dispatch(news.report, state);
  else nact.dispatch(state.warehouse, news); // with the sender it came with
  return "take" in news ? { ...state, orders: state.orders + 1 } : state;
}

const Warehouse = fromNact("warehouse", warehouse, { initialState: 7 });
const root = supervisor("store", {}, [child("warehouse", Warehouse, { durable: true })]);
export default app({ store: memory(), root });

if (import.meta.main) {
  const shop = nact.start({ name: "shop" } as never); // its types do not know the name
  const old = nact.spawn(shop, warehouse, "warehouse", { initialState: 8 });
  const first = { warehouse: old, orders: 0, left: 8 };
  const front = nact.spawn(shop, desk, "desk", { initialState: first });
  const order = (take: number) => nact.query(front, (sender) => ({ take, sender }), 5_000);
  console.log(await order(1));

  await using system = await start(import.meta.url, { threads: 2, inspect: false, log: "silent" });
  using _ = bridge(system);
  const moved = nactRef("/store/warehouse", Warehouse);
  nact.dispatch(front, { moved });
  console.log(await order(2));
  nact.dispatch(moved, { take: -1 }); // it crashes, and comes back with its state and mail
  console.log(`after a crash, ${await order(1)}`);
  const { orders, left } = await nact.query(front, (report) => ({ report }), 5_000);
  console.log(`the desk had ${orders} orders, and knows that ${left} bolts were left`);
  nact.stop(shop);
}
