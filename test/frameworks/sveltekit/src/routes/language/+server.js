export async function PUT({ request, locals }) {
  await locals.session.set('language', await request.text())
  return new Response(null, { status: 204 })
}
