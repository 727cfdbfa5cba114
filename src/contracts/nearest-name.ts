// Which of the known names was probably meant: the one that takes the fewest changes of letters.
// It suggests; nothing is ever taken for meant.

/** Longer words, and more names than this, get no suggestion: the time stays small whatever a document says. */
const WORD_LENGTH_MAX = 64;
const NAMES_MAX = 512;

/** The nearest of the known names, when it is near; the first of several. */
export function nearestName(word: string, known: readonly string[]): string | undefined {
  if (word === "" || word.length > WORD_LENGTH_MAX || known.length > NAMES_MAX) return undefined;
  // A third of the letters may differ, of a short word one.
  let changesMax = Math.max(1, Math.floor(word.length / 3));
  let nearest: string | undefined;
  for (const name of known) {
    if (name === word || name.length > WORD_LENGTH_MAX || Math.abs(name.length - word.length) > changesMax) continue;
    const changes = distance(word, name);
    if (changes <= changesMax && changes < Math.max(word.length, name.length)) {
      nearest = name;
      changesMax = changes - 1;
    }
    if (changesMax < 1) break;
  }
  return nearest;
}

/** Letters added, left out, replaced, or two neighbours exchanged (optimal string alignment). */
function distance(left: string, right: string): number {
  let beforeLast: number[] = [];
  let last = Array.from({ length: right.length + 1 }, (_, column) => column);
  for (let row = 1; row <= left.length; row += 1) {
    const current = [row];
    for (let column = 1; column <= right.length; column += 1) {
      const isSame = left[row - 1] === right[column - 1];
      const isExchanged =
        row > 1 && column > 1 && left[row - 1] === right[column - 2] && left[row - 2] === right[column - 1];
      const steps = [
        (last[column] ?? 0) + 1,
        (current[column - 1] ?? 0) + 1,
        (last[column - 1] ?? 0) + (isSame ? 0 : 1),
      ];
      if (isExchanged) steps.push((beforeLast[column - 2] ?? 0) + 1);
      current.push(Math.min(...steps));
    }
    beforeLast = last;
    last = current;
  }
  return last[right.length] ?? 0;
}
