// What somebody may have meant who typed something else.

/** Things whose titles are one or two slips of the finger away from what was typed, the nearest first. */
export function nearest<T extends { title: string }>(things: readonly T[], typed: string): T[] {
  const most = typed.length < 3 ? 0 : typed.length < 6 ? 1 : 2;
  return things
    .map((thing) => ({ thing, slips: distance(thing.title.toLocaleLowerCase(), typed, most) }))
    .filter(({ slips }) => slips <= most)
    .sort((a, b) => a.slips - b.slips)
    .map(({ thing }) => thing);
}

/** How many letters must be put in, taken out, changed, or swapped with a neighbour; above `most` any larger number. */
export function distance(one: string, other: string, most: number): number {
  const [a, b] = [[...one], [...other]];
  if (Math.abs(a.length - b.length) > most) return most + 1;
  let before: number[] = [];
  let row = Array.from({ length: b.length + 1 }, (_, at) => at);
  a.forEach((letter, i) => {
    const next = [i + 1];
    b.forEach((wanted, j) => {
      const same = letter === wanted ? 0 : 1;
      const swap = i > 0 && j > 0 && letter === b[j - 1] && a[i - 1] === wanted ? before[j - 1]! + 1 : Infinity;
      next.push(Math.min(row[j]! + same, row[j + 1]! + 1, next[j]! + 1, swap));
    });
    [before, row] = [row, next];
  });
  return row[b.length]!;
}
