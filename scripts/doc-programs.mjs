// The files of a framework's project that the docs show: blocks whose info string ends in
// "in <project>". A line that is a comment with a path begins a file.

/** The projects that blocks name. */
export function projectsIn(texts) {
  return texts.flatMap(text => [...text.matchAll(/^```\w+ in (\S+)$/gm)].map(([, name]) => name))
}

/**
 * @param texts those of the pages
 * @param place where the module goes that all programs share: the block that begins with
 * `// session.ts`; undefined for a project without it
 * @returns the texts of the files by their paths
 */
export function programsOf(texts, project, place) {
  const blocks = texts.flatMap(text => [
    ...text.matchAll(/^```\w+ (?:compiles|in ([\w-]+))\n([\s\S]*?)^```$/gm),
  ])
  const own = blocks.filter(([, name]) => name === project).flatMap(([, , text]) => filesIn(text))
  if (own.length === 0) throw new Error(`The docs show nothing "in ${project}"`)
  if (place === undefined) return new Map(own)
  const shared = blocks.find(
    ([, name, text]) => name === undefined && text.startsWith('// session.ts\n'),
  )
  if (shared === undefined) throw new Error('The docs have no block that begins with // session.ts')
  return new Map([[place, shared[2]], ...own])
}

function filesIn(block) {
  const starts = [...block.matchAll(/^\/\/ ([\w./[\]+-]+\.tsx?)$/gm)]
  if (starts[0]?.index !== 0) throw new Error(`A block begins with no path: ${block.slice(0, 60)}`)
  return starts.map(({ 1: path, index }, nth) => [path, block.slice(index, starts[nth + 1]?.index)])
}
