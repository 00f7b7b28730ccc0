import { withSession } from '@/session'

export const POST = withSession(async (request, session) => {
  await session.removeAll()
  return Response.redirect(new URL('/', request.url), 303)
})
