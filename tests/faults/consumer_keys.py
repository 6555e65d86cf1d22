"""Registers the keys of tests/faults/consumers.py on a platform; prints what their users need.

Reads JSON from its input: the folder of a PostgreSQL server, the port of a receiver, a reload
command. Prints the API keys of the pull channels and the path of each managed key's value.
"""

import json
import sys

import django

FIRST = "the first value of all"
ROLES = {"web": ("web_a", "web_b"), "reader": ("read_a", "read_b"), "puller": ("pull_a", "pull_b")}


def main():
    django.setup()
    given = json.loads(sys.stdin.read())
    from security.rotation import services  # noqa: PLC0415 - after the set-up

    chief = services.register("chief", "database", value="chief-secret").key
    bind(chief, "database", given["database"], 5432)
    for name, roles in ROLES.items():
        config = {"host": given["database"], "dbname": "postgres", "roles": list(roles)}
        config |= {"admin_role": "chief", "admin_key": "chief"}
        key = services.register(
            name, "database", rotator="database_password", config=config, value=FIRST
        ).key
        bind(key, "database", given["database"], 5432)
        deliver(key, name)
    url = {"url": f"https://127.0.0.1:{given['port']}/"}
    hook = services.register("hook", "webhook", rotator="webhook", config=url, value=FIRST).key
    bind(hook, "webhook", "127.0.0.1", given["port"], networks="127.0.0.0/8")
    asked = {"puller": pull("puller"), "sender": pull("hook")}
    sys.stdout.write(json.dumps(asked) + "\n")


def bind(key, purpose, host, port, networks=""):
    from security.rotation.models import SecretBinding  # noqa: PLC0415 - after the set-up

    made = SecretBinding(key=key, purpose=purpose, host=host, port=port, networks=networks)
    made.full_clean()
    made.save()


def deliver(key, name):
    """A channel with a file, tested: it holds the current value now."""
    from security.rotation.models import KeyChannel  # noqa: PLC0415 - after the set-up
    from security.rotation.services import channels  # noqa: PLC0415

    manifest = {"path": "web/secret.json", "namespace": "shop", "secret": "web-db"}
    file = {"path": "reader.json", "format": "json", "reload": "reload-reader"}
    config = {"web": ("kubernetes", manifest), "reader": ("file", file)}.get(name)
    if config:
        made = KeyChannel(key=key, name=name, kind=config[0], config=config[1])
        made.full_clean()
        made.save()
        if not channels.check(made):
            made.refresh_from_db()
            raise SystemExit(made.error)


def pull(key_id):
    """A pull channel of the key, and the API key that may ask."""
    from security.apikeys import services as apikeys  # noqa: PLC0415 - after the set-up
    from security.apikeys.scopes import REVEAL  # noqa: PLC0415
    from security.rotation import services  # noqa: PLC0415
    from security.rotation.models import KeyChannel  # noqa: PLC0415

    issued = apikeys.create(f"{key_id} users", [REVEAL], reason="a fault test")
    KeyChannel.objects.create(
        key=services.get(key_id), name="its user", kind="pull", api_key=issued.key
    )
    return issued.plaintext


if __name__ == "__main__":
    main()
