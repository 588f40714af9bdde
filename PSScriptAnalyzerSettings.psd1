@{
    ExcludeRules = @(
        # build.ps1 and the tests' Invoke.ps1 speak to people; what other commands are to read goes to the output.
        'PSAvoidUsingWriteHost'
        # Short helpers of the tests read as sentences.
        'PSAvoidUsingPositionalParameters'
        # Pester's blocks share variables, which the analyzer takes for unused.
        'PSUseDeclaredVarsMoreThanAssignments'
        # What changes state are cmdlets in C#, whose -WhatIf is tested; functions here are helpers of tests.
        'PSUseShouldProcessForStateChangingFunctions'
    )
    Rules        = @{
        PSUseConsistentIndentation = @{
            Enable = $true
            IndentationSize     = 4
            PipelineIndentation = 'IncreaseIndentationForFirstPipeline'
            Kind                = 'space'
        }
        PSUseConsistentWhitespace  = @{
            Enable = $true
            CheckInnerBrace = $true
            CheckOpenBrace = $true
            CheckOpenParen = $true
            CheckOperator = $false
            CheckPipe = $true
            CheckPipeForRedundantWhitespace = $true
            CheckSeparator = $true
            CheckParameter = $false
        }
        PSPlaceOpenBrace           = @{ Enable = $true; OnSameLine = $true; NewLineAfter = $false; IgnoreOneLineBlock = $true }
        PSUseCompatibleSyntax      = @{ Enable = $true; TargetVersions = @('7.0') }
    }
}
