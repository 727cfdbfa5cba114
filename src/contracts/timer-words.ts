// Timers as people read them: what is done when its time has come, and which timer that was set before it replaces.
// It tells a timer by what it is for and what it runs, never by the name that the programme gives it, unless that alone tells it apart.

import type { ActionDocument, SourceExpression, StatementDocument } from "./document.ts";
import type { Expression } from "./expression.ts";
import type { ExpressionWords } from "./expression-words.ts";
import { partsOf } from "./names-in-sight.ts";
import { isCode, type Words } from "./words.ts";

type Timer = StatementDocument & { readonly kind: "timer" };

/** What a timer is called by: the text its key begins with, then what it is for. */
interface Key {
  readonly series: string;
  readonly parts: readonly Expression[];
}

export function timerInWords(timer: Timer, words: Words, say: ExpressionWords): string {
  const done = words.quoted(words.action(timer.run.text));
  const { expression: time } = timer.time;
  const isOver =
    time.kind === "binary" && time.operator === "+" && time.right.kind === "int" && time.right.value === 1n;
  const when = isOver
    ? words.say(
        `${say.expression(time.left)} 一过, 即由账本自动办理${done}`,
        `As soon as ${say.expression(time.left)} is over the ledger itself does ${done}`,
      )
    : words.say(
        `定于 ${say.expression(time)} 由账本自动办理${done}`,
        `At ${say.expression(time)} the ledger itself does ${done}`,
      );
  const { purpose, runs, isOnly } = told(timer.key, words, say);
  if (runs === undefined)
    return words.say(
      `${when}; 同一编号 (${purpose}) 先前的定时作废。`,
      `${when}; an earlier timer of the same name (${purpose}) is void.`,
    );
  const [same, whose] = [purpose === "" ? "" : `为同一${purpose}`, purpose === "" ? "" : ` (${purpose})`];
  if (isOnly || runs === done)
    return words.say(`${when}; 先前${same}定的时间作废。`, `${when}; a time set for it before${whose} is void.`);
  return words.say(
    `${when}; 先前${same}定时的${runs}作废。`,
    `${when}; a time set before for ${runs}${whose} is void.`,
  );
}

export function cancelInWords(key: SourceExpression, words: Words, say: ExpressionWords): string {
  const { purpose, runs, isOnly } = told(key, words, say);
  if (runs === undefined) return words.say(`取消定时 (${purpose})。`, `The timer (${purpose}) is cancelled.`);
  const [same, whose] = [purpose === "" ? "" : `为该${purpose}`, purpose === "" ? "" : ` (${purpose})`];
  if (isOnly) return words.say(`取消先前${same}定的时间。`, `A time set before${whose} is cancelled.`);
  return words.say(`取消先前${same}定时的${runs}。`, `A time set before for ${runs}${whose} is cancelled.`);
}

/** `isOnly`: whatever it runs, there is no other series of timers. `runs` is undefined where two kinds of timers do the same: then only the key itself tells them apart. */
function told(
  source: SourceExpression,
  words: Words,
  say: ExpressionWords,
): { readonly purpose: string; readonly runs: string | undefined; readonly isOnly: boolean } {
  const { series, parts } = keyOf(source.expression);
  const timers = words.actions.flatMap(timersOf).map(({ key, run }) => ({ ...keyOf(key.expression), run: run.text }));
  const runs = new Set(timers.filter((timer) => timer.series === series).map(({ run }) => run));
  const isUnclear = timers.some((timer) => timer.series !== series && runs.has(timer.run));
  if (isUnclear || runs.size === 0) return { purpose: say.of(source), runs: undefined, isOnly: false };
  const purpose = parts.flatMap((part) => {
    if (part.kind !== "text") return [say.expression(part)];
    const bare = part.value.replaceAll(/^[/:]|[/:]$/g, "");
    return bare === "" ? [] : [words.find(bare) ?? (isCode(bare) ? `\`${bare}\`` : bare)];
  });
  const titles = [...runs].map((run) => words.quoted(words.action(run)));
  const isOnly = titles.length > 1 && timers.every((timer) => timer.series === series);
  return { purpose: words.list(purpose), runs: words.list(titles, "or"), isOnly };
}

function keyOf(expression: Expression): Key {
  const [first, ...rest] = partsOf(expression);
  return first?.kind === "text" ? { series: first.value, parts: rest } : { series: "", parts: partsOf(expression) };
}

function timersOf({ statements }: ActionDocument): readonly Timer[] {
  return statements.filter((statement) => statement.kind === "timer");
}
