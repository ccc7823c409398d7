# coding=utf-8
"""Made for tests: counters, a failing and a hanging collector."""

import threading

from diamond.collector import Collector


class CountingCollector(Collector):
    def get_default_config(self):
        config = super(CountingCollector, self).get_default_config()
        config['path'] = 'counting'
        return config

    def collect(self):
        self.reading = getattr(self, 'reading', 0) + 1000
        self.publish_counter('rate', self.reading)
        self.publish('doubled', self.derivative('own', self.reading, time_delta=False) * 2)
        self.publish('half', 0.5)
        self.publish_gauge('gauge', self.reading)
        self.publish('other_time', 1, timestamp=1600000000)
        self.publish('one', 1, instance='vm1')


class FailingCollector(Collector):
    def collect(self):
        self.publish('before', 1)
        raise KeyError('nothing here')


class HangingCollector(Collector):
    def collect(self):
        threading.Event().wait()
