# coding=utf-8
"""Made for tests: everything that Python 3 does not read, or reads otherwise."""

import ConfigParser
import StringIO
import Queue
import commands
import os, socket, struct, subprocess, urllib2
import base64
from itertools import izip
from urlparse import urlparse
from xml.etree import cElementTree

import diamond.collector
from diamond import convertor
import sibling

try:
    from no_such_library import thing
except ImportError, fault:
    thing = None

MODE = 0644
BIG = 10L


class Oldstyle(object):
    def next(self):
        return 7


class OldstyleCollector(diamond.collector.Collector):

    def get_default_config(self):
        config = super(OldstyleCollector, self).get_default_config()
        config.update({'path': 'old', 'byte_unit': 'byte kilobyte', 'limit': 10})
        return config

    def pairs(self, (first, second), scale=1):
        return (first + second) * scale

    def fails(self):
        raise ValueError, "as it should"

    def collect(self):
	# a tab, which reaches to column eight
        print "this is no value", MODE
        print >>open(os.devnull, 'w'), 'nor this',
        values = {'octal': MODE, 'long': BIG, 'division': 7 / 2, 'true_division': 7 / 2.0}
        for name, value in values.iteritems():
            self.publish(name, value, precision=1)
        if values.has_key('octal') and 1 <> 2:
            self.publish('keys', len(values.keys() + ['more']))
        try:
            self.fails()
        except (KeyError, ValueError), error:
            self.publish('raised', len(str(error)))
        exec "inside = 5" in values
        self.publish('exec', values['inside'])
        self.publish('backticks', len(`values['octal']`))
        self.publish('next', Oldstyle().next())
        self.publish('pairs', self.pairs((1, 2), scale=3))
        self.publish('izip', sum(a * b for a, b in izip([1, 2], [3, 4])))
        self.publish('map', map(lambda x: x * 2, filter(None, [0, 1, 2]))[1])
        self.publish('sorted', sorted([3, None, 'a', 1])[1] or 0)
        self.publish('compared', int(None < 0))
        self.publish('sort', sorted([1, 2, 3], lambda a, b: cmp(b, a))[0])
        self.publish('text', isinstance(u'text', basestring) and isinstance(5L, (int, long)))
        self.publish('program', subprocess.Popen(['echo', '1 2'], stdout=subprocess.PIPE).communicate()[0].split()[1])
        self.publish('commands', commands.getoutput('echo 3'))
        self.publish('base64', len(base64.encodestring('ab:cd').strip()))
        self.publish('struct', struct.unpack('!H', struct.pack('!H', 513))[0])
        self.publish('urlparse', urlparse('http://h:81/').port)
        self.publish('xml', cElementTree.fromstring('<a><b v="4"/></a>').find('b').get('v'))
        self.publish('sibling', sibling.ANSWER)
        self.publish('round', round(2.5))
        left, right = socket.socketpair()
        left.sendall('stat\r\n')
        self.publish('socket', len(right.recv(100).split('\r\n')))
        for unit in self.config['byte_unit']:
            self.publish('size_' + unit, convertor.binary.convert(value=4096, oldUnit='byte', newUnit=unit))
        parser = ConfigParser.ConfigParser()
        parser.readfp(StringIO.StringIO('[a]\nb = 6\n'))
        self.publish('parser', parser.getint('a', 'b'))
        self.publish('name with space', 1)
