import { redirect } from '@sveltejs/kit'

export const actions = {
  async default({ locals }) {
    await locals.session.removeAll()
    redirect(303, '/')
  },
}
