/** The results as the page that people read. */
export function report({ machine, rounds, http, storages }) {
  return `# Benchmarks

\`npm run bench\` measures and rewrites this page; \`npm run bench -- --quick\` takes two minutes. Figures of one
machine mean little on another: compare the ratios, which are between cases that ran in turn, round by round, in one run.

${machine.date}, Node ${machine.node.slice(1)}, ${machine.system}, ${machine.cores}. Medians of ${rounds} rounds; the spread is
(largest - smallest) / median.

## Requests per second over node:http

32 connections, sessions of 700 bytes, 256 of them in turn. Where \`taskset\` exists the server has a core of its own; its CPU time is
measured beside the throughput, since the load generator and the kernel share the machine; Redis, where a case has it, runs on the server's core. *Bare* answers without any session; *write + rename* does the
plainest atomic file write of the same bytes; the cases in Express are compared with express-session and connect-redis doing the same.

| case | requests/s | spread | compared with | ratio | to reach | CPU µs/request | CPU ratio | p99 ms |
|---|--:|--:|---|--:|--:|--:|--:|--:|
${http.map(httpRow).join('\n')}

## Operations, one after another

| operation | µs | spread |
|---|--:|--:|
${storages.map(row => `| ${row.operation} | ${row.microseconds.toFixed(2)} | ${percent(row.spread)} |`).join('\n')}
`
}

function httpRow(row) {
  return `| ${[
    row.case,
    row.requestsPerSecond,
    percent(row.spread),
    row.against,
    row.ratio.toFixed(2),
    row.toReach ?? '',
    row.cpuMicroseconds.toFixed(1),
    row.cpuRatio.toFixed(2),
    row.p99Milliseconds,
  ].join(' | ')} |`
}

function percent(share) {
  return `${Math.round(share * 100)} %`
}
