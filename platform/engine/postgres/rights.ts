import type { Client } from 'pg'

/** Who may work with the platform's tables without owning them: drivers, workers, the console, people. */
export const APP_ROLE = 'millrace_app'

/** Who may do everything on Cloud SQL; agents are members. Tables are theirs together: whichever migrates next may. */
const OWNER = 'cloudsqlsuperuser'
/** On Cloud SQL every account, and every person, that logs in by IAM is a member of one of these. */
const IAM_USERS = ['cloudsqliamserviceaccount', 'cloudsqliamuser']

/**
 * Lets the members of {@link APP_ROLE} work with all tables of the schema, those of later migrations included, and change
 * none. For databases with a user for each program, as on Cloud SQL; with one user for all it changes nothing.
 *
 * The role is made where the user may do so. Where not, and somebody else has not made it either, nothing is granted.
 */
export async function grantRights(client: Client): Promise<void> {
  await client.query(`
    do $$ begin
      if not exists (select from pg_roles where rolname = '${APP_ROLE}') then
        create role ${APP_ROLE} nologin;
      end if;
    -- Roles are the server's: somebody may make it for another database at this moment.
    exception when insufficient_privilege or duplicate_object or unique_violation then null;
    end $$;
    do $$ begin
      if exists (select from pg_roles where rolname = '${APP_ROLE}') then
        grant usage on schema millrace to ${APP_ROLE};
        grant select, insert, update, delete on all tables in schema millrace to ${APP_ROLE};
        grant usage, select on all sequences in schema millrace to ${APP_ROLE};
        revoke insert, update, delete on millrace.migration from ${APP_ROLE};
        alter default privileges in schema millrace grant select, insert, update, delete on tables to ${APP_ROLE};
        alter default privileges in schema millrace grant usage, select on sequences to ${APP_ROLE};
      end if;
    end $$;
    do $$
    declare member name;
    begin
      for member in select rolname from pg_roles where rolname = any (array['${IAM_USERS.join("', '")}']) loop
        execute format('grant ${APP_ROLE} to %I', member);
      end loop;
    -- Somebody else made the role, and has granted it; or nobody did.
    exception when insufficient_privilege or undefined_object then null;
    end $$;
    do $$ begin
      if exists (select from pg_roles where rolname = '${OWNER}' and rolname <> current_user
                 and pg_has_role(current_user, oid, 'member')) then
        reassign owned by current_user to ${OWNER};
      end if;
    end $$`)
}
