// Random histories are the same in every run of the tests, so that a red one is the fault of what changed.
// LINLI_TEST_SEED=N draws others; what it finds is fixed, not drawn around.

import fc from "fast-check";

fc.configureGlobal({ seed: Number(process.env.LINLI_TEST_SEED ?? 20_261_123) });
