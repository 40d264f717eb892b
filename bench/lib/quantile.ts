/** Owns: quantiles of samples. Does not own: taking them. */

/** The sample below which a share `q` of them lies (nearest rank). Sorts in place. */
export function quantile(samples: Float64Array, q: number): number {
  samples.sort();
  return samples[Math.min(samples.length - 1, Math.ceil(q * samples.length) - 1)] ?? Number.NaN;
}

/** Of samples in milliseconds: p50 and p99 in microseconds. */
export function inMicroseconds(samples: Float64Array): { p50Us: number; p99Us: number } {
  return { p50Us: 1_000 * quantile(samples, 0.5), p99Us: 1_000 * quantile(samples, 0.99) };
}
