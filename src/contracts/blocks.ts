// A document of headings, paragraphs, lists and tables, and its two written forms: Markdown and HTML.
// It knows no contracts; whoever fills it says what stands in it.

export type Block =
  | { readonly kind: "heading"; readonly level: 1 | 2 | 3; readonly text: string }
  | { readonly kind: "paragraph"; readonly text: string }
  | { readonly kind: "list"; readonly isNumbered: boolean; readonly items: readonly Item[] }
  | { readonly kind: "table"; readonly head: readonly string[]; readonly rows: readonly (readonly string[])[] }
  | { readonly kind: "rule" };

export interface Item {
  readonly text: string;
  readonly items?: readonly string[];
}

/** Names between ` are code; everything else in a text is plain: no emphasis, link, picture, comment or tag of authors. */
export function toMarkdown(blocks: readonly Block[]): string {
  return `${blocks.map(markdownOf).join("\n\n")}\n`;
}

function markdownOf(block: Block): string {
  switch (block.kind) {
    case "heading":
      return `${"#".repeat(block.level)} ${literal(block.text)}`;
    case "paragraph":
      return literal(block.text);
    case "list":
      return block.items
        .map(({ text, items = [] }, index) => {
          const mark = block.isNumbered ? `${index + 1}.` : "-";
          const inner = items.map((item) => `${" ".repeat(mark.length + 1)}- ${literal(item)}`);
          return [`${mark} ${literal(text)}`, ...inner].join("\n");
        })
        .join("\n");
    case "table": {
      const line = (cells: readonly string[]) =>
        `| ${cells.map((cell) => literal(cell).replaceAll("|", "\\|")).join(" | ")} |`;
      return [line(block.head), line(block.head.map(() => "---")), ...block.rows.map(line)].join("\n");
    }
    case "rule":
      return "---";
  }
}

// A < that no name follows is a sign of comparison; _ means nothing inside a word, and names of accounts have it.
function literal(text: string): string {
  const parts = text.split("`");
  const isPaired = parts.length % 2 === 1;
  const plain = (part: string) => part.replaceAll(/[\\*[\]~]|<(?=[!/?A-Za-z])|^[#>+-](?=\s)/g, "\\$&");
  return parts.map((part, index) => (isPaired && index % 2 === 1 ? part : plain(part))).join("`");
}

const PAGE_STYLE =
  "body{font:16px/1.7 sans-serif;max-width:52rem;margin:2rem auto;padding:0 1rem;color:#1a1a1a}" +
  "table{border-collapse:collapse;width:100%}th,td{border:1px solid #bbb;padding:.3rem .6rem;text-align:left;vertical-align:top}" +
  "h1,h2{border-bottom:1px solid #ccc}code{font-size:.9em}";

/** One page that needs nothing else: no script, no picture, no address. */
export function toHtml(blocks: readonly Block[], { title }: { readonly title: string }): string {
  const body = blocks.map(htmlOf).join("\n");
  return `<!doctype html>\n<html lang="zh">\n<head><meta charset="utf-8"><title>${escaped(title)}</title><style>${PAGE_STYLE}</style></head>\n<body>\n${body}\n</body>\n</html>\n`;
}

function htmlOf(block: Block): string {
  switch (block.kind) {
    case "heading":
      return `<h${block.level}>${inline(block.text)}</h${block.level}>`;
    case "paragraph":
      return `<p>${inline(block.text)}</p>`;
    case "list": {
      const tag = block.isNumbered ? "ol" : "ul";
      const items = block.items.map(({ text, items: inner = [] }) => {
        const list = inner.length === 0 ? "" : `<ul>${inner.map((item) => `<li>${inline(item)}</li>`).join("")}</ul>`;
        return `<li>${inline(text)}${list}</li>`;
      });
      return `<${tag}>${items.join("\n")}</${tag}>`;
    }
    case "table": {
      const row = (cells: readonly string[], tag: "th" | "td") =>
        `<tr>${cells.map((cell) => `<${tag}>${inline(cell)}</${tag}>`).join("")}</tr>`;
      return `<table>\n${[row(block.head, "th"), ...block.rows.map((cells) => row(cells, "td"))].join("\n")}\n</table>`;
    }
    case "rule":
      return "<hr>";
  }
}

/** Names between ` are code; the rest is text of authors and never markup. */
function inline(text: string): string {
  const parts = escaped(text).split("`");
  // An odd count of marks leaves the last one as it is.
  const isPaired = parts.length % 2 === 1;
  return isPaired
    ? parts.map((part, index) => (index % 2 === 1 ? `<code>${part}</code>` : part)).join("")
    : parts.join("`");
}

function escaped(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll('"', "&quot;");
}
