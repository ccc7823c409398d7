"""Asks a real graphite-web, in this process, over a tree of ours and a cache query port of ours.

usage: graphite_web.py FOLDER TREE HOST:PORT BULK PATH...
Prints the body of the answer to each PATH on a line of its own. BULK is `bulk` or `single`: how the cache is asked.
A PATH `get METRIC` or `set METRIC METHOD` asks for the aggregation method by graphite-web's own client.
"""
import os
import sys
import types

folder, tree, carbonlink, bulk, *paths = sys.argv[1:]
settings = types.ModuleType("peer_settings")
settings.SECRET_KEY = "not a secret"
settings.STORAGE_DIR = settings.LOG_DIR = folder
settings.WHISPER_DIR = tree
settings.STANDARD_DIRS = [tree]
settings.CARBONLINK_HOSTS = [carbonlink + ":a"]
settings.CARBONLINK_QUERY_BULK = bulk == "bulk"
settings.CARBONLINK_TIMEOUT = 20.0
settings.DEFAULT_CACHE_DURATION = settings.FIND_CACHE_DURATION = 0
settings.TIME_ZONE = "UTC"
settings.ALLOWED_HOSTS = ["*"]
sys.modules["peer_settings"] = settings
os.environ["GRAPHITE_SETTINGS_MODULE"] = "peer_settings"
os.environ["DJANGO_SETTINGS_MODULE"] = "graphite.settings"

import django  # noqa: E402

django.setup()

from django.test import Client  # noqa: E402

from graphite.carbonlink import CarbonLink  # noqa: E402


def ask(path):
    words = path.split(" ")
    if words[0] == "get":
        return repr(CarbonLink().get_metadata(words[1], "aggregationMethod"))
    if words[0] == "set":
        return repr(CarbonLink().set_metadata(words[1], "aggregationMethod", words[2]))
    return Client().get(path).content.decode()


for path in paths:
    print(ask(path).replace("\n", " "))
