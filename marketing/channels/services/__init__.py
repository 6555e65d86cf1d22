"""Store channels and their rows: the CSV importers, and imports of spend files of any program."""

from marketing.channels.services.csv_imports import IMPORTERS, get_or_create
from marketing.channels.services.plain_imports import TARGETS
from marketing.channels.services.revisions import delete_rows, keep_edited, manual_revision
from marketing.channels.services.spend_imports import SPEND_TARGET
