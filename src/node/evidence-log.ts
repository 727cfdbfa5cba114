// Proofs of misbehaviour that this node found or was told, kept for supervision. Each is checked before it is kept;
// silence is never evidence.

import type { Report } from "../consensus/events.ts";
import { verifyEvidence } from "../consensus/evidence.ts";
import { type Hash, hashTagged, toHex } from "../ledger/hash.ts";
import type { Validator } from "../ledger/types.ts";
import type { Logger } from "../ports.ts";
import { verifyNative } from "./ed25519-native.ts";
