export async function PUT({ request, locals }) {
  await locals.session.set('theme', await request.text())
  return new Response(null, { status: 204 })
}
