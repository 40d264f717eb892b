/** A small operating system: polymorphic objects, linked lists, many short methods. */
interface Packet {
  link: Packet | null;
  value: number;
}

class Queue {
  head: Packet | null = null;
  tail: Packet | null = null;
  size = 0;

  push(packet: Packet): void {
    packet.link = null;
    if (this.tail) this.tail.link = packet;
    else this.head = packet;
    this.tail = packet;
    this.size++;
  }

  shift(): Packet | null {
    const packet = this.head;
    if (!packet) return null;
    this.head = packet.link;
    if (!this.head) this.tail = null;
    this.size--;
    return packet;
  }
}

abstract class Worker {
  readonly mail = new Queue();
  done = 0;
  next!: Worker;
  abstract work(packet: Packet): void;

  turn(): boolean {
    const packet = this.mail.shift();
    if (!packet) return false;
    this.done++;
    this.work(packet);
    return true;
  }
}

class Adder extends Worker {
  work(packet: Packet): void {
    packet.value = (packet.value + 7) & 0xffff;
    this.next.mail.push(packet);
  }
}

class Mixer extends Worker {
  seed = 1;
  work(packet: Packet): void {
    this.seed = (this.seed * 1_103 + packet.value) & 0xffff;
    packet.value ^= this.seed;
    this.next.mail.push(packet);
  }
}

class Skipper extends Worker {
  work(packet: Packet): void {
    const to = packet.value & 1 ? this.next : this.next.next;
    to.mail.push(packet);
  }
}

export function run(n: number): number {
  const workers: Worker[] = [
    new Adder(),
    new Mixer(),
    new Skipper(),
    new Adder(),
    new Skipper(),
    new Mixer(),
  ];
  workers.forEach((worker, i) => {
    worker.next = workers[(i + 1) % workers.length] as Worker;
  });
  for (let i = 0; i < 20; i++) workers[i % 3]?.mail.push({ link: null, value: i * 31 });
  let turns = 0;
  while (turns < n) {
    for (const worker of workers) if (worker.turn()) turns++;
  }
  return workers.reduce(
    (sum, worker) => (sum * 31 + worker.done + worker.mail.size) % 1_000_003,
    0,
  );
}
