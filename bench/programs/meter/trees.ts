/** Binary trees: allocation and recursion. */
interface Tree {
  readonly left: Tree | null;
  readonly right: Tree | null;
}

function grow(depth: number): Tree {
  return depth === 0
    ? { left: null, right: null }
    : { left: grow(depth - 1), right: grow(depth - 1) };
}

function count(tree: Tree): number {
  return 1 + (tree.left ? count(tree.left) : 0) + (tree.right ? count(tree.right) : 0);
}

export function run(n: number): number {
  let sum = 0;
  for (let i = 0; i < n; i++) sum += count(grow(12));
  return sum;
}
