// Random function bodies full of loops, jumps and exceptions. They say what they do in `out`, and
// end: each loop and call takes from a fuel that runs out.

/** The same seed, the same text. */
export function randomProgram(seed: number): string {
  const writer = new Writer(seed);
  const body = Array.from({ length: 3 }, () => writer.statement(4)).join(writer.pick(["\n", " "]));
  const fuel = `let fuel = ${20 + writer.below(400)}, a = 1, b = 2;`;
  const call = "const call = (x) => { out.push(x); return fuel-- > 0 ? x + 1 : x };";
  return `${fuel} ${call} ${body} return [a, b]`;
}

class Writer {
  #state: number;
  #names = 0;
  /** Labels of the loops around, innermost last; null where a `break` has no target. */
  #labels: string[] = [];
  #loops = 0;

  constructor(seed: number) {
    this.#state = (seed * 2_654_435_761) >>> 0;
  }

  below(limit: number): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let x = this.#state;
    x = Math.imul(x ^ (x >>> 15), x | 1);
    x ^= x + Math.imul(x ^ (x >>> 7), x | 61);
    return ((x ^ (x >>> 14)) >>> 0) % limit;
  }

  pick<T>(options: readonly T[]): T {
    return options[this.below(options.length)] as T;
  }

  statement(depth: number): string {
    if (depth === 0) return this.#leaf();
    const kinds = [this.#leaf, this.#leaf, this.#loop, this.#loop, this.#if, this.#try];
    return this.pick([...kinds, this.#switch, this.#block, this.#function]).call(this, depth - 1);
  }

  #number(): string {
    return this.pick(["a", "b", "1", "3", "(a ^ b)", "call(a)", "[a, b].length", "fuel"]);
  }

  #condition(): string {
    return `${this.#number()} % ${2 + this.below(4)} ${this.pick(["===", "!=", "<"])} ${this.below(3)}`;
  }

  #leaf(): string {
    const plain = [
      () => `a = (a * 3 + ${this.#number()}) & 1023;`,
      () => `b ^= ${this.#number()};`,
      () => `out.push(${this.#number()});`,
      () => "fuel--;",
      () => `if (${this.#condition()}) throw new Error("e" + a);`,
      () => `if (${this.#condition()} && fuel < 9) return a;`,
      () => `out.push([b].map((x) => ${this.pick(["x", "call(x)", "({ x })"])})[0]);`,
    ];
    if (this.#loops > 0)
      plain.push(
        () => this.#jump(),
        () => this.#jump(),
      );
    return this.pick(plain)();
  }

  #jump(): string {
    const label =
      this.#labels.length > 0 && this.below(3) === 0 ? ` ${this.pick(this.#labels)}` : "";
    return `if (${this.#condition()}) ${this.pick(["break", "continue"])}${label};`;
  }

  #loop(depth: number): string {
    const name = `v${this.#names++}`;
    const label = `l${this.#names}`;
    const labelled = this.below(3) === 0;
    if (labelled) this.#labels.push(label);
    this.#loops++;
    const inner = this.below(3) === 0 ? this.#plain(name) : this.#body(depth);
    this.#loops--;
    if (labelled) this.#labels.pop();
    return (labelled ? `${label}: ` : "") + this.#around(name, inner);
  }

  #around(name: string, inner: string): string {
    const count = `${1 + this.below(this.pick([4, 200]))}`;
    return this.pick([
      `for (let ${name} = ${this.pick(["0", "1", "a", "-2"])}; ${name} < ${count}; ${name}++) ${inner}`,
      `for (let ${name} = 0; ${name} < ${count} && fuel-- > 0; ${name}++) ${inner}`,
      `for (let ${name} = ${count}; ${name} > 0; ${name}--) ${inner}`,
      `for (let ${name} = 0; ${name} < ${count}; ${name} += 3) ${inner}`,
      `for (const ${name} of [1, a, 3]) ${inner}`,
      `for (const ${name} in { x: 1, y: 2 }) ${inner}`,
      `while (fuel-- > 0) ${inner}`,
      `do ${inner} while (fuel-- > 0);`,
    ]);
  }

  /** What a loop that counts itself may contain, and jumps out of it. */
  #plain(name: string): string {
    const jump = this.pick(["break", "continue", "return b"]);
    const work = this.pick(["a ^= ", "b = (b + 1) & 255, a += "]);
    return this.pick([
      `{ ${work}${name}; if ((a & 7) === ${this.below(8)}) ${jump}; }`,
      `if ((a += +${name}) > 500) ${jump}; else b++;`,
      `a = (a * 5 + +${name}) & 511;`,
      `{ if (+${name} === ${this.below(150)}) { ${jump} } let c = a; b = (b + c) & 255; }`,
    ]);
  }

  #body(depth: number): string {
    return this.below(3) === 0 ? this.statement(depth) : this.#block(depth);
  }

  #block(depth: number): string {
    const count = 1 + this.below(3);
    const parts = Array.from({ length: count }, () => this.statement(depth));
    return `{ ${parts.join(this.pick(["\n", " "]))} }`;
  }

  #if(depth: number): string {
    const other = this.below(2) === 0 ? ` else ${this.#body(depth)}` : "";
    return `if (${this.#condition()}) ${this.#block(depth)}${other}`;
  }

  #try(depth: number): string {
    const caught = `catch (e) { out.push(String(e)); ${this.statement(depth)} }`;
    const last = `finally { out.push("f"); ${this.below(4) === 0 ? this.statement(depth) : ""} }`;
    return `try ${this.#block(depth)} ${this.pick([caught, `${caught} ${last}`, last])}`;
  }

  #switch(depth: number): string {
    const cases = [0, 1, 2].map(
      (i) => `case ${i}: ${this.statement(depth)} ${this.pick(["", "break;"])}`,
    );
    const last = `default: ${this.statement(depth)}`;
    return `switch (Math.abs(${this.#number()}) % 4) { ${cases.join(" ")} ${last} }`;
  }

  #function(depth: number): string {
    const [loops, labels] = [this.#loops, this.#labels];
    this.#loops = 0;
    this.#labels = [];
    const name = `g${this.#names++}`;
    const body = this.#block(depth);
    this.#loops = loops;
    this.#labels = labels;
    return `{ const ${name} = () => ${body}; out.push(typeof ${name}()); }`;
  }
}
