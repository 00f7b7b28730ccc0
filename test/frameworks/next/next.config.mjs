// biome-ignore lint/style/noDefaultExport: Next.js asks for it
export default {
  // The project is complete in itself, wherever it lies.
  turbopack: { root: import.meta.dirname },
}
