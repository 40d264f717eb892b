/** Planets that attract each other: floating point numbers in objects. */
interface Body {
  x: number;
  y: number;
  z: number;
  vx: number;
  vy: number;
  vz: number;
  mass: number;
}

function planets(): Body[] {
  return Array.from({ length: 5 }, (_, i) => ({
    x: i * 3.1 + 0.5,
    y: i * 1.7 - 2.2,
    z: i * 0.3 + 0.1,
    vx: 0.01 * i,
    vy: 0.02 * (5 - i),
    vz: 0.005 * i,
    mass: 10 / (i + 1),
  }));
}

function advance(bodies: readonly Body[], dt: number): void {
  for (let i = 0; i < bodies.length; i++) {
    const a = bodies[i] as Body;
    for (let j = i + 1; j < bodies.length; j++) {
      const b = bodies[j] as Body;
      const dx = a.x - b.x;
      const dy = a.y - b.y;
      const dz = a.z - b.z;
      const square = dx * dx + dy * dy + dz * dz + 0.01;
      const pull = dt / (square * Math.sqrt(square));
      a.vx -= dx * b.mass * pull;
      a.vy -= dy * b.mass * pull;
      a.vz -= dz * b.mass * pull;
      b.vx += dx * a.mass * pull;
      b.vy += dy * a.mass * pull;
      b.vz += dz * a.mass * pull;
    }
  }
  for (const body of bodies) {
    body.x += dt * body.vx;
    body.y += dt * body.vy;
    body.z += dt * body.vz;
  }
}

export function run(n: number): number {
  const bodies = planets();
  for (let i = 0; i < n; i++) advance(bodies, 0.001);
  return bodies.reduce((sum, { x, y, z }) => sum + x + y + z, 0);
}
