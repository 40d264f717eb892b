/** What agents do: keep state by copying it, one message after the other. */
type State = {
  readonly seen: number;
  readonly by: Readonly<Record<string, number>>;
  readonly last: readonly string[];
};
type Message = { type: "note"; from: string; text: string } | { type: "forget"; from: string };

function handle(state: State, message: Message): State {
  switch (message.type) {
    case "note": {
      const by = { ...state.by, [message.from]: (state.by[message.from] ?? 0) + 1 };
      return {
        seen: state.seen + 1,
        by,
        last: [...state.last.slice(-9), message.text.toLowerCase()],
      };
    }
    case "forget":
      return { ...state, last: state.last.filter((text) => !text.startsWith(message.from)) };
  }
}

export function run(n: number): number {
  let state: State = { seen: 0, by: {}, last: [] };
  for (let i = 0; i < n; i++) {
    const from = `agent-${i % 7}`;
    state = handle(state, { type: "note", from, text: `Note ${i} FROM ${from}` });
    if (i % 50 === 0) state = handle(state, { type: "forget", from: "note 4" });
  }
  return state.seen + state.last.length + Object.values(state.by).reduce((a, b) => a + b, 0);
}
