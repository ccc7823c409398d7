# coding=utf-8
ANSWER = 42L
