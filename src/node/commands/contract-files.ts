// Where the documents of `linli contract` come from: files, directories, what lies beside them, and the library of this installation.
// Reads only, apart from `format`, which writes what it was asked to write.

import { readdir, readFile, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { lineNotUtf8 } from "../../config.ts";
import { type SourceFile, SourceSet } from "../../contracts/source-set.ts";
import { LedgerError } from "../../errors.ts";
import { LIBRARY } from "../../installation.ts";

const NAME_ONE = "name a contract document or a directory";
const TEST_ENDING = ".test.yaml";

export interface Documents {
  /** what was named */
  readonly files: readonly SourceFile[];
  /** the same with everything they may import */
  readonly set: SourceSet;
}

/**
 * The named documents; of a directory all in it. Files of tests among them (`library/*.yaml` names those, too) are no documents.
 * Imports are found among them, in `beside` (--with), in the files' own directories, and in the library.
 * @throws LedgerError `FILE_MISSING`, `CONTRACT_FILE_OF_TESTS` when nothing else was named
 */
export async function loadDocuments(paths: readonly string[], beside: readonly string[] = []): Promise<Documents> {
  const named = paths.filter((path) => !path.endsWith(TEST_ENDING));
  const [ofTests] = paths;
  if (named.length === 0 && ofTests !== undefined) throw onlyTests(ofTests);
  const files = await filesOf(named);
  const own = [...new Set(files.map(({ path }) => dirname(path)))];
  const known = new Set(files.map(({ path }) => path));
  const others = await filesOf([...beside, ...own, fileURLToPath(LIBRARY)]);
  return { files, set: new SourceSet([...files, ...others.filter(({ path }) => !known.has(path))]) };
}

function onlyTests(path: string): LedgerError {
  const document = `${path.slice(0, -TEST_ENDING.length)}.yaml`;
  const remedy = `name the document, ${document}; its tests are run by: linli contract test ${document}`;
  return new LedgerError("CONTRACT_FILE_OF_TESTS", { path }, { remedy });
}

/** One document. @throws LedgerError `FILE_MISSING`, `CONTRACT_FILE_SEVERAL` */
export async function loadDocument(
  path: string,
  beside: readonly string[] = [],
): Promise<{ readonly file: SourceFile; readonly set: SourceSet }> {
  const { files, set } = await loadDocuments([path], beside);
  const [file] = files;
  if (file === undefined || files.length > 1)
    throw new LedgerError("CONTRACT_FILE_SEVERAL", { path, documents: files.length }, { remedy: "name one document" });
  return { file, set };
}

/** `x.test.yaml` beside `x.yaml`, or the file that was named. */
export function testsBeside(path: string): string {
  return path.endsWith(".yaml") ? `${path.slice(0, -".yaml".length)}${TEST_ENDING}` : `${path}${TEST_ENDING}`;
}

/** @throws LedgerError `FILE_MISSING`, `CONTRACT_FILE_INVALID` */
export async function loadText(path: string, remedy = NAME_ONE): Promise<string> {
  const text = await readFile(path, "utf8").catch((error: unknown) => {
    throw missing(path, error, remedy);
  });
  const line = lineNotUtf8(text);
  if (line === undefined) return text;
  throw new LedgerError(
    "CONTRACT_FILE_INVALID",
    { file: path, expected: "UTF-8 (GBK perhaps)", line },
    { remedy: "save it as UTF-8" },
  );
}

async function filesOf(paths: readonly string[]): Promise<readonly SourceFile[]> {
  const lists = await Promise.all(paths.map(documentsAt));
  const found = [...new Set(lists.flat())];
  return Promise.all(found.map(async (path) => ({ path, source: await loadText(path) })));
}

async function documentsAt(path: string): Promise<readonly string[]> {
  const facts = await stat(path).catch((error: unknown) => {
    throw missing(path, error);
  });
  if (!facts.isDirectory()) return [path];
  const names = await readdir(path);
  return names
    .filter((name) => name.endsWith(".yaml") && !name.endsWith(TEST_ENDING))
    .sort()
    .map((name) => join(path, name));
}

function missing(path: string, cause: unknown, remedy = NAME_ONE): LedgerError {
  return new LedgerError("FILE_MISSING", { file: path }, { cause, remedy });
}
