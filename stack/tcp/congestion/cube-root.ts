/**
 * The cube root of `x`, for finite `x` of 0 or more; off by a few units in the last place. Newton's method with nothing but + * / on doubles, which
 * every engine computes alike; Math.cbrt and ** may differ between them.
 */
export function cubeRoot(x: number): number {
  if (!(x > 0)) return 0;
  let root = 1;
  while (root * root * root < x) root *= 2;
  // From above each step goes down, until the rounding stops it.
  for (;;) {
    const next = (2 * root + x / (root * root)) / 3;
    if (next >= root) return root;
    root = next;
  }
}
