// NumPy's C API. Its function tables are filled in module.cpp and shared by the other files.
#pragma once

#include <Python.h>

#define NPY_NO_DEPRECATED_API NPY_2_0_API_VERSION
#define NPY_TARGET_VERSION NPY_2_0_API_VERSION
#define PY_ARRAY_UNIQUE_SYMBOL ranvier_array_api
#define PY_UFUNC_UNIQUE_SYMBOL ranvier_ufunc_api
#ifndef RANVIER_IMPORTS_NUMPY
#define NO_IMPORT_ARRAY
#define NO_IMPORT_UFUNC
#endif
#include <numpy/arrayobject.h>
#include <numpy/ufuncobject.h>
