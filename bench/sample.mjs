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
