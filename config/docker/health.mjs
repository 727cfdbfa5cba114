// Health check of the container: 0 while the node answers GET /health with 200. Asks on the container's own loopback,
// at the port of rpc.port's default. Plain JavaScript without packages, so that it costs little every few seconds.

try {
  const answer = await fetch("http://127.0.0.1:26100/health", { signal: AbortSignal.timeout(4_000) });
  process.exit(answer.ok ? 0 : 1);
} catch {
  process.exit(1);
}
