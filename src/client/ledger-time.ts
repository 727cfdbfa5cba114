// What time it is on a ledger: the wall clock in earnest, a faster one in a devnet (genesis timeScale).
// Reads no clock itself.

/** @param wallMs ms since 1970 @returns ledger time, ms since 1970 */
export function ledgerTimeMs(genesis: { readonly timeMs: number; readonly timeScale: number }, wallMs: number): number {
  return genesis.timeMs + (wallMs - genesis.timeMs) * genesis.timeScale;
}
