/** How large the sessions below are as JSON, about. */
export const SMALL_BYTES = 700
export const LARGE_BYTES = 20_000

/** A session of about 700 bytes, as a shop would keep it. */
export const sampleSession = {
  name: 'Ada Lovelace',
  userId: 4711,
  email: 'ada.lovelace@example.com',
  roles: ['customer', 'editor', 'reviewer'],
  csrf: 'b5e1f8d7c2a94f0e8b7d6c5a493827160f1e2d3c4b5a69788796a5b4c3d2e1f0',
  locale: 'en-GB',
  theme: { mode: 'dark', accent: '#3366ff', dense: false, fontSize: 15 },
  cart: [
    { sku: 'BK-1001', title: 'Notes on the Analytical Engine', count: 1, price: 24.5 },
    { sku: 'BK-1002', title: 'Sketch of the Difference Engine', count: 2, price: 18.25 },
    { sku: 'PN-0007', title: 'Fountain pen, fine nib', count: 1, price: 49 },
  ],
  lastSeen: '2026-11-20T10:15:30.000Z',
  visits: 1042,
  flags: { newsletter: true, beta: false, terms: '2026-05' },
}

/** A session of about 20 kB: the same visitor after a long day in the shop. */
export const largeSession = {
  ...sampleSession,
  history: Array.from({ length: 128 }, (_, number) => ({
    path: `/books/analytical-engines/notes-and-sketches/${1000 + number}`,
    title: `Notes on the Analytical Engine, part ${number}`,
    at: new Date(Date.UTC(2026, 10, 20, 10, number)).toISOString(),
    seconds: number,
  })),
}
