import { withSession } from '@/session'

export const PUT = withSession(async (request, session) => {
  await session.set('theme', await request.text())
  return new Response(null, { status: 204 })
})
