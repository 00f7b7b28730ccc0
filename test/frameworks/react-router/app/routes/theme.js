import { sessionContext } from '../context'

export async function action({ request, context }) {
  await context.get(sessionContext).set('theme', await request.text())
  return new Response(null, { status: 204 })
}
