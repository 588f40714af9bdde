# Get-IaaSVmReadiness and Test-IaaSVmReadiness: from files alone, without a fabric.

BeforeAll {
    Import-Module "$PSScriptRoot/Common.psm1"
    Enter-TestHome
    $image = Join-Path $TestHome web01.raw
    New-TestImage $image | Out-Null
}

AfterAll { Exit-TestHome }

Describe 'Get-IaaSVmReadiness' {
    It 'says what it could not see, and what to do' {
        $report = Get-IaaSVmReadiness $image -Target Azure
        $report | Should -BeOfType AzureIaaS.Readiness.ReadinessReport
        $report.Name, $report.Target, $report.Verdict | Should -Be 'web01', 'AzureGen1', 'Unknown'
        $report.Findings.Rule | Should -Contain NoSystem
        $report.Findings.ForEach{ $_.Message, $_.Remedy, $_.Source | Should -Not -BeNullOrEmpty }
    }

    It 'judges for a generation' {
        (Get-IaaSVmReadiness $image -Target AzureGen2).Verdict | Should -Be NotReady
        (Get-IaaSVmReadiness $image -Target AzureGen2 -Firmware Uefi).Findings.Rule | Should -Not -Contain Generation
    }

    It 'takes files from the pipeline, and is shown as a table' {
        $table = Get-Item $image | Get-IaaSVmReadiness | Out-String -Width 200
        $table | Should -Match 'web01 +Local +Unknown'
    }

    It 'can be piped on to an import' {
        (Get-IaaSVmReadiness $image | Import-IaaSVm).Name | Should -Be web01
    }
}

Describe 'Test-IaaSVmReadiness' {
    It 'is false for what is not known to be fit' {
        Test-IaaSVmReadiness $image | Should -BeFalse
    }

    It 'is true for a Linux that is' -Skip:(-not (Test-Path /sbin/mke2fs)) {
        $tree = Join-Path $TestHome tree
        New-Item -ItemType Directory (Join-Path $tree etc) | Out-Null
        "PRETTY_NAME=`"Test Linux`"`nID=test`n" | Set-Content (Join-Path $tree etc/os-release)
        $disk = Join-Path $TestHome linux.raw
        /sbin/mke2fs -q -F -t ext4 -d $tree $disk 4M
        Get-IaaSVmReadiness $disk -Firmware Bios | ForEach-Object { $_.Guest.Name } | Should -Be 'Test Linux'
        Test-IaaSVmReadiness $disk -Firmware Bios | Should -BeTrue
    }
}
