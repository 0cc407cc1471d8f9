# SPDX-License-Identifier: LGPL-2.1-or-later
# A key pair for these tests and nothing else: everybody can read the secret half.
{
  public = "ihard-test-1:LtwBUcyzEz0v4CKx8qgaBYE/ibdAhL198YFHkYrfZgM=";
  secret = "ihard-test-1:RNLeR1DXruqf2rLmbRY6aeuGmCvlE5jRc/MniqlfcnYu3AFRzLMTPS/gIrHyqBoFgT+Jt0CEvX3xgUeRit9mAw==";
}
