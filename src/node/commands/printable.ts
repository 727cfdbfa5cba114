// A stranger's words on a terminal. Alone in its file, as the command loads it before it knows what is asked.

/** What a terminal would obey, or show in another order, and no line break. */
export const NOT_SHOWN = /[^\P{C}\n]/gu;

/** As text of a terminal, which shall not obey what a node answered: parsers quote what they could not read, too. */
export function printable(text: string): string {
  return text.replace(NOT_SHOWN, " ");
}
