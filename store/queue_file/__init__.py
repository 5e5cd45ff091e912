"""The queue file: an inbox that people edit and a view that they read, merged with the store."""

from store.queue_file.apply import EditResult, Rules, edit_task
from store.queue_file.inbox import Inbox
from store.queue_file.keeper import QueueFileKeeper
from store.queue_file.watch import FileWatch

__all__ = ["EditResult", "FileWatch", "Inbox", "QueueFileKeeper", "Rules", "edit_task"]
